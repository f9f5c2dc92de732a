"""What a bundle's graph may consist of: dense arithmetic whose cost can be told from its shapes.

No control flow (a loop may run for ever), nothing of changing rank or random, no texts, sequences
or custom domains. An export writes some fifty of these; the others are their nearest kin.
"""

from __future__ import annotations

__all__ = [
    "AT_LEAST_ONE",
    "DIVISOR_AT",
    "DOMAINS",
    "ELEMENT_BYTES",
    "OPERATORS",
    "SHAPES_AT",
    "SMALL_AT",
    "SMALL_ATTRIBUTES",
]

DOMAINS = ("", "ai.onnx")
OPERATORS = frozenset(
    # element by element
    "Abs Add And Cast CastLike Ceil Celu Clip Cos CumSum Div Elu Equal Erf Exp Floor Gelu Greater "
    "GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max "
    "Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin "
    "Softplus Softsign Sqrt Sub Sum Swish Tanh Where Xor "
    # products, pooling, norms
    "AveragePool BatchNormalization Conv ConvTranspose Gemm GlobalAveragePool GlobalMaxPool "
    "GroupNormalization InstanceNormalization LayerNormalization LpNormalization MatMul MaxPool "
    "RMSNormalization Softmax LogSoftmax "
    # reductions
    "ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSum ReduceSumSquare TopK "
    # shapes and places
    "Concat Constant ConstantOfShape DepthToSpace Expand Flatten Gather GatherElements GatherND "
    "OneHot Pad Range Reshape Resize ScatterElements ScatterND Shape Size Slice SpaceToDepth Split "
    "Squeeze Tile Transpose Trilu Unsqueeze "
    # quantised
    "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul "
    "QuantizeLinear".split()
)

#: Bytes of an element by ONNX's number of its type: numbers and truth values, no texts.
ELEMENT_BYTES = {
    1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2,
}  # fmt: skip

#: Inputs that say in numbers how large something becomes: place of the input by operator.
SHAPES_AT = {"ConstantOfShape": 0, "Expand": 1, "Reshape": 1, "Tile": 1, "Resize": 3}
#: Inputs of whole numbers that must be small, since they add to a side.
SMALL_AT = {"Pad": 1, "OneHot": 1, "Resize": 2, "TopK": 1}
#: Inputs that divide: of whole numbers, each must be one or more.
DIVISOR_AT = {"Div": 1, "Mod": 1}
#: Attributes that add to a side: at most 65,536 either way.
SMALL_ATTRIBUTES = frozenset("pads output_padding output_shape".split())
#: Attributes that divide, or say how many: from one to 65,536.
AT_LEAST_ONE = frozenset("kernel_shape strides dilations group num_outputs blocksize".split())
