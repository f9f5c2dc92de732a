"""What Home Assistant reads to make a sensor of each class, without a line of configuration."""

from __future__ import annotations

import json
from typing import Any

from runtime.sinks.mqtt.topics import Topics, identifier

__all__ = ["discovery_topic", "sensor_config"]


def discovery_topic(discovery_prefix: str, topics: Topics, class_name: str) -> str:
    """Where a class's configuration stands, retained; an empty one there removes the sensor."""
    return f"{discovery_prefix}/sensor/{_object_id(topics, class_name)}/config"


def sensor_config(
    topics: Topics, class_name: str, bundle_id: str, version: str | None
) -> dict[str, Any]:
    """The configuration of a class's sensor: its area in percent of the picture.

    Args:
        topics: the stream's.
        class_name: as it stands in the state's ``classes``.
        bundle_id: the model, shown as the device's.
        version: this program's, None where it is not installed.
    """
    # JSON's string literals are Jinja's: no name can leave its quotes.
    quoted = json.dumps(class_name)
    origin = {"name": "mgca-rt", "sw_version": version}
    return {
        "name": class_name,
        "unique_id": _object_id(topics, class_name),
        "state_topic": topics.state,
        "value_template": f"{{{{ value_json.classes[{quoted}] }}}}",
        "unit_of_measurement": "%",
        "state_class": "measurement",
        "suggested_display_precision": 1,
        "availability_topic": topics.availability,
        "device": {
            "identifiers": [topics.node],
            "name": f"MGCA {topics.stream}",
            "manufacturer": "MGCA Edge",
            "model": bundle_id,
        },
        "origin": {key: value for key, value in origin.items() if value is not None},
    }


def _object_id(topics: Topics, class_name: str) -> str:
    return f"{topics.node}_{identifier(class_name)}"
