"""Precision as a property of the graph: what fp16, int8 and int8-static make of the fp32 one.

- :mod:`.variants`: one precision of a graph, stages that must stay in fp32 kept;
- :mod:`.half_range`: what half precision cannot hold, by an fp32 run;
- :mod:`.quantize`: both kinds of int8, by ONNX Runtime's quantiser;
- :mod:`.products`: what the matrix products of a graph compute in, counted for the manifest.
"""
