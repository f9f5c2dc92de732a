"""What is made for devices once a bundle stands; everything here reads a finished bundle.

- :mod:`.device_jobs`: the flags, and both jobs one after the other;
- :mod:`.tensorrt`: the graph looked over, the engine built and kept in the local cache;
- :mod:`.triton`: a model repository for NVIDIA Triton.
"""
