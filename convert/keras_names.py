"""The names that the configuration of a Keras file may use: layers that compute, and what they are made of.

Left out on purpose: layers that run code of the file (Lambda, TFSMLayer, JaxLayer, FlaxLayer, TorchModuleWrapper,
TensorFlowOpLayer) and layers that read other files by path (StringLookup, IntegerLookup, TextVectorization).
"""

from __future__ import annotations

import re

_LAYERS_TEXT = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
BatchNormalization BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop Concatenate
ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose
ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose
Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D
Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GRUV2 GaussianDropout
GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell LSTMV2
LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D
MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply
Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration
RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur
RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation
RandomSaturation RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling
Reshape Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D
SeparableConvolution2D SimpleRNN SimpleRNNCell SlicingOpLambda Softmax Solarization SpatialDropout1D
SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract SyncBatchNormalization TFOpLambda
ThresholdedReLU TimeDistributed UnifiedLSTM UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
ZeroPadding2D ZeroPadding3D
"""
LAYERS = frozenset(_LAYERS_TEXT.split())

_ACTIVATIONS_TEXT = """
celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
sparsemax squareplus swish tanh tanh_shrink threshold
"""
ACTIVATIONS = frozenset(_ACTIVATIONS_TEXT.split())

# What is no layer: models, initializers, regularizers, constraints, data types, and values that JSON has no form for.
_OTHERS_TEXT = """
Functional Model Sequential Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT STFTInitializer
TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm max_norm
min_max_norm non_neg unit_norm DTypePolicy DTypePolicyMap FloatDTypePolicy QuantizedDTypePolicy
QuantizedFloat8DTypePolicy Int4DTypePolicy AbsMaxQuantizer Int8QuantizationConfig Int4QuantizationConfig
Float8QuantizationConfig Policy SeedGenerator RandomSeedGenerator InputSpec TensorShape __tuple__
__ellipsis__ __slice__ __bytes__ __numpy__ __tensor__ __keras_tensor__
"""
OTHERS = frozenset(_OTHERS_TEXT.split())

# Operations of keras.ops in a model: classes; functions, which begin with a small letter, are not among them.
_OPERATIONS = re.compile(r"keras\.src\.ops\.(numpy|nn|math|image|linalg|einops)")
_CORE = "keras.src.ops.core"
_CORE_OPERATIONS = frozenset(
    (
        "Cast",
        "ConvertToTensor",
        "SaturateCast",
        "Scatter",
        "ScatterUpdate",
        "Slice",
        "SliceUpdate",
        "StopGradient",
        "Unstack",
    )
)
_MODULES = re.compile(
    r"(tf_)?keras(\.(src\.)?(layers|models|engine|initializers|regularizers|constraints|dtype_policies|mixed_precision"
    r"|quantizers|random)(\.\w+)*)?|builtins|tensorflow\.python\.ops\.init_ops(_v2)?"
)
_APPLICATIONS = re.compile(r"(tf_)?keras\.src\.applications\.(convnext|inception_resnet_v2)")
# Layers of Keras's own applications, with the module of each.
APPLICATION_LAYERS = {
    "LayerScale": "convnext",
    "StochasticDepth": "convnext",
    "CustomScaleLayer": "inception_resnet_v2",
}

# Functions of TensorFlow that Keras 2 keeps by name, as layers; these places hold none that touch files or Python.
_FUNCTIONS = re.compile(r"(compat\.v1\.)?(__operators__|math|nn|linalg|signal|bitwise|quantization)\.\w+")
_PLAIN_FUNCTIONS_TEXT = """
abs add argmax argmin boolean_mask broadcast_to cast clip_by_value concat convert_to_tensor cos cumsum divide einsum
equal exp expand_dims eye fill floor gather gather_nd greater greater_equal identity image.adjust_brightness
image.adjust_contrast image.crop_to_bounding_box image.flip_left_right image.flip_up_down image.grayscale_to_rgb
image.pad_to_bounding_box image.per_image_standardization image.resize image.resize_with_crop_or_pad
image.resize_with_pad image.rgb_to_grayscale image.transpose less less_equal linspace logical_and logical_not
logical_or matmul maximum meshgrid minimum multiply negative norm not_equal one_hot ones ones_like pad pow range rank
realdiv reduce_all reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse roll
round rsqrt saturate_cast scatter_nd shape sigmoid sign sin size slice sort space_to_batch split sqrt square squeeze
stack stop_gradient strided_slice subtract tanh tensordot tile transpose truediv unstack where zeros zeros_like
"""
_PLAIN_FUNCTIONS = frozenset(_PLAIN_FUNCTIONS_TEXT.split())


def is_known(name: str, module: str | None) -> bool:
    """Whether a class that a configuration names, with the module it is said to be in, may be made."""
    name = name.removeprefix("Custom>") if name.removeprefix("Custom>") in APPLICATION_LAYERS else name
    if module is None:
        return name in LAYERS or name in OTHERS or name in APPLICATION_LAYERS
    if _OPERATIONS.fullmatch(module):
        return name[:1].isupper()
    if module == _CORE:
        return name in _CORE_OPERATIONS
    if _APPLICATIONS.fullmatch(module):
        return name in APPLICATION_LAYERS
    return (name in LAYERS or name in OTHERS) and _MODULES.fullmatch(module) is not None


def is_known_function(symbol: object) -> bool:
    """Whether a function of TensorFlow, `math.multiply`, may be a layer of a Keras 2 model."""
    return isinstance(symbol, str) and (symbol in _PLAIN_FUNCTIONS or _FUNCTIONS.fullmatch(symbol) is not None)
