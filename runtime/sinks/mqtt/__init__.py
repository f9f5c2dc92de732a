"""MQTT: areas and events to a broker, words from it; Home Assistant finds the sensors by itself."""

from runtime.sinks.mqtt.sink import MqttSink

__all__ = ["MqttSink"]
