"""How what PyTorch is called with becomes a call of attune."""
import ast
import inspect


class NotOffered(Exception):
    """Asks for what attune does not have."""


class Signature:
    """parameters: PyTorch's, after `input`, with their defaults. calls: attune's function, and which of them it takes in
    its order; the first that takes all that are not default counts. By default it takes all, under the operation's last
    name, which {} stands for. prepare: changes the arguments by name beforehand."""

    def __init__(self, parameters="", *calls, prepare=None):
        self._parameters = inspect.signature(eval(f"lambda input, {parameters}: None"))
        self._calls, self._prepare = calls, prepare

    def translate(self, name, sample):
        """The function's name, and its arguments."""
        try:
            bound = self._parameters.bind(sample.input, *sample.args, **sample.kwargs)
        except TypeError as error:
            raise NotOffered(str(error)) from None
        bound.apply_defaults()
        if self._prepare:
            self._prepare(bound.arguments)
        for call in self._calls or [f"{{}}({', '.join(bound.arguments)})"]:
            tree = ast.parse(call.format(name.split(".")[-1]), mode="eval").body
            taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            left = {parameter: value for parameter, value in bound.arguments.items() if parameter not in taken}
            if all(same(value, self._parameters.parameters[parameter].default) for parameter, value in left.items()):
                return tree.func.id, [argument(node, bound.arguments) for node in tree.args]
        raise NotOffered(f"one of {', '.join(left)}")


def same(value, default):
    return value is default or type(value) is type(default) and value == default


def argument(node, values):
    """What stands in a call: a parameter, *sizes (a list, however they were given), x.shape, or a constant."""
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Attribute):
        return list(getattr(values[node.value.id], node.attr))
    if isinstance(node, ast.Starred):
        sizes = values[node.value.id]
        return list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else list(sizes)
    return ast.literal_eval(node)


def alike(names, parameters="", *calls, prepare=None):
    return {name: Signature(parameters, *calls, prepare=prepare) for name in names.split()}


def functional(names, *rest, prepare=None):
    return alike(" ".join(f"nn.functional.{name}" for name in names.split()), *rest, prepare=prepare)


def spread(values):
    """torch.var(x, unbiased) has no name but its type."""
    if isinstance(values["dim"], bool):
        values["dim"], values["unbiased"] = None, values["dim"]
    if values["unbiased"] is not None:
        values["correction"] = int(values["unbiased"])
    values["unbiased"] = None
    if values["correction"] is None:
        values["correction"] = 1


def frobenius(values):
    if values["p"] == "fro":
        values["p"] = 2


def stable(values):
    """So that equal elements have one right order."""
    values["stable"] = None


def without_chance(values):
    if values["training"] and 0 < values["p"] < 1:
        raise NotOffered("PyTorch's random numbers")


def one_matrix(values):
    if values["ignore_index"] is None:
        values["ignore_index"] = -100
    if values["linear_weight"].dim() != 2 or values["target"].is_floating_point():
        raise NotOffered("several targets a row, or probabilities of classes")


def class_indices(values):
    if values["target"].is_floating_point():
        raise NotOffered("probabilities of classes")


def as_dtype(values):
    if values["dtype"] is None:
        raise NotOffered("dtype=None")


REDUCED = "size_average=None, reduce=None, reduction='mean'"
PLACED = "dtype=None, layout=None, device='cpu', requires_grad=False, pin_memory=False"

SIGNATURES = {
    # pointwise
    **alike("exp expm1 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos erf abs sign floor ceil trunc neg tanh "
            "sigmoid logical_not isnan isinf isfinite trace"),
    **alike("round", "decimals=0", "round(input)"),
    **alike("nan_to_num", "nan=0.0, posinf=None, neginf=None"),
    **alike("clamp", "min=None, max=None"),
    **alike("clamp_min", "min", "clamp(input, min, None)"),
    **alike("clamp_max", "max", "clamp(input, None, max)"),
    **alike("double", "memory_format=None", "to(input, 'float64')"),
    **alike("float", "memory_format=None", "to(input, 'float32')"),
    **alike("bfloat16", "memory_format=None", "to(input, 'bfloat16')"),
    **alike("long", "memory_format=None", "to(input, 'int64')"),
    **alike("bool", "memory_format=None", "to(input, 'bool')"),
    **alike("clone contiguous", "memory_format=None", "{}(input)"),
    **functional("relu silu mish relu6", "inplace=False", "{}(input)"),
    **functional("logsigmoid"),
    **functional("leaky_relu", "negative_slope=0.01, inplace=False", "leaky_relu(input, negative_slope)"),
    **functional("elu", "alpha=1.0, inplace=False", "elu(input, alpha)"),
    **functional("gelu", "approximate='none'"),
    **functional("softplus", "beta=1, threshold=20"),
    **functional("hardtanh", "min_val=-1.0, max_val=1.0, inplace=False", "hardtanh(input, min_val, max_val)"),
    **functional("dropout", "p=0.5, training=True, inplace=False", "dropout(input, p, training)",
                 prepare=without_chance),
    # pairs
    **alike("add", "other, alpha=1", "add(input, other)"),
    **alike("sub", "other, alpha=1", "sub(input, other)"),
    **alike("rsub", "other, alpha=1", "sub(other, input)"),
    **alike("mul", "other"),
    **alike("div true_divide", "other, rounding_mode=None", "div(input, other)"),
    **alike("__radd__", "other", "add(other, input)"),
    **alike("__rsub__", "other", "sub(other, input)"),
    **alike("__rmul__", "other", "mul(other, input)"),
    **alike("__rdiv__", "other", "div(other, input)"),
    **alike("__rpow__", "other", "pow(other, input)"),
    **alike("__rmatmul__", "other", "matmul(other, input)"),
    **alike("pow minimum maximum eq ne lt le gt ge logical_and logical_or logical_xor outer matmul bmm", "other"),
    **alike("max.binary", "other", "maximum(input, other)"),
    **alike("min.binary", "other", "minimum(input, other)"),
    **alike("mm mv dot", "other", "matmul(input, other)"),
    **alike("lerp", "end, weight"),
    **alike("where", "condition, other", "where(condition, input, other)"),
    **alike("masked_fill", "mask, value"),
    **alike("masked_select", "mask"),
    **alike("addmm", "mat1, mat2, beta=1, alpha=1"),
    **alike("baddbmm", "batch1, batch2, beta=1, alpha=1"),
    **alike("einsum", "equation", "einsum(equation, input)"),
    **functional("linear", "weight, bias=None"),
    **functional("cosine_similarity", "x2, dim=1, eps=1e-8"),
    **functional("pairwise_distance", "x2, p=2.0, eps=1e-6, keepdim=False"),
    # reductions
    **alike("sum mean prod", "dim=None, keepdim=False, dtype=None", "{}(input, dim, keepdim)"),
    **alike("amax amin any all", "dim=None, keepdim=False"),
    **alike("logsumexp", "dim, keepdim=False"),
    **alike("var std", "dim=None, unbiased=None, keepdim=False, correction=1", "{}(input, dim, correction, keepdim)",
            prepare=spread),
    **alike("linalg.vector_norm", "ord=2, dim=None, keepdim=False, dtype=None", "norm(input, ord, dim, keepdim)"),
    **alike("norm", "p='fro', dim=None, keepdim=False, dtype=None", "norm(input, p, dim, keepdim)", prepare=frobenius),
    **alike("max.reduction_no_dim", "", "max(input)"),
    **alike("min.reduction_no_dim", "", "min(input)"),
    **alike("max.reduction_with_dim", "dim, keepdim=False", "max(input, dim, keepdim)"),
    **alike("min.reduction_with_dim", "dim, keepdim=False", "min(input, dim, keepdim)"),
    **alike("argmax argmin", "dim=None, keepdim=False", "{}(input)", "{}(input, dim, keepdim)"),
    **alike("cumsum", "dim, dtype=None", "cumsum(input, dim)"),
    **alike("softmax log_softmax", "dim, dtype=None", "{}(input, dim)"),
    **functional("softmin", "dim, dtype=None", "softmin(input, dim)"),
    **functional("normalize", "p=2.0, dim=1, eps=1e-12"),
    **functional("layer_norm", "normalized_shape, weight=None, bias=None, eps=1e-5"),
    **functional("rms_norm", "normalized_shape, weight=None, eps=None"),
    **alike("sort argsort", "dim=-1, descending=False, stable=None", "{}(input, dim, descending)", prepare=stable),
    **alike("topk", "k, dim=-1, largest=True, sorted=True", "topk(input, k, dim, largest)"),
    # shapes
    **alike("reshape view permute expand repeat tile", "*sizes", "{}(input, *sizes)"),
    **alike("broadcast_to", "shape"),
    **alike("reshape_as", "other", "reshape(input, other.shape)"),
    **alike("view_as", "other", "view(input, other.shape)"),
    **alike("expand_as", "other", "expand(input, other.shape)"),
    **alike("ravel", "", "flatten(input, 0, -1)"),
    **alike("sum_to_size", "*sizes", "sum_to(input, *sizes)"),
    **alike("flatten", "start_dim=0, end_dim=-1"),
    **alike("transpose swapaxes", "dim0, dim1"),
    **alike("movedim", "source, destination"),
    **alike("squeeze", "dim=None", "squeeze(input)", "squeeze(input, dim)"),
    **alike("unsqueeze", "dim"),
    **alike("slice", "dim=0, start=None, end=None, step=1"),
    **alike("narrow", "dim, start, length"),
    **alike("select", "dim, index"),
    **alike("flip", "*sizes", "flip(input, *sizes)"),
    **alike("diagonal", "offset=0, dim1=0, dim2=1"),
    **alike("linalg.diagonal", "offset=0, dim1=-2, dim2=-1"),
    **alike("diag tril triu", "diagonal=0"),
    **alike("split split_with_sizes", "sizes, dim=0", "split(input, sizes, dim)"),
    **alike("chunk", "chunks, dim=0"),
    **alike("unbind", "dim=0"),
    **alike("cat stack", "dim=0"),
    **alike("roll", "shifts, dims=None"),
    **functional("pad", "pad, mode='constant', value=0", "pad(input, pad, value)"),
    **alike("constant_pad_nd", "pad, value=0", "pad(input, pad, value)"),
    # indices and new tensors
    **alike("index_select", "dim, index"),
    **functional("embedding", "indices, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, "
                 "sparse=False", "embedding(indices, input, padding_idx)"),
    **alike("gather", "dim, index, sparse_grad=False", "gather(input, dim, index)"),
    **alike("take_along_dim", "indices, dim=None"),
    **alike("scatter_add", "dim, index, src"),
    **alike("index_add", "dim, index, source, alpha=1"),
    **functional("one_hot", "num_classes=-1"),
    **alike("full", f"value, {PLACED}", "full(input, value, dtype)", prepare=as_dtype),
    **alike("zeros ones", PLACED, "{}(input, dtype)", prepare=as_dtype),
    **alike("eye", f"m=None, {PLACED}", "eye(input, m, dtype)", prepare=as_dtype),
    **alike("arange", f"end, step=1, {PLACED}", "arange(input, end, step, dtype)", prepare=as_dtype),
    **alike("linspace", f"end, steps, {PLACED}", "linspace(input, end, steps, dtype)", prepare=as_dtype),
    **alike("zeros_like ones_like", PLACED, "{}(input)"),
    **alike("full_like", f"value, {PLACED}", "full_like(input, value)"),
    # losses and attention
    **functional("mse_loss", f"target, {REDUCED}, weight=None", "mse_loss(input, target, reduction)"),
    **functional("l1_loss", f"target, {REDUCED}, weight=None", "l1_loss(input, target, reduction)"),
    **functional("huber_loss", "target, reduction='mean', delta=1.0, weight=None",
                 "huber_loss(input, target, reduction, delta)"),
    **functional("smooth_l1_loss", f"target, {REDUCED}, beta=1.0", "smooth_l1_loss(input, target, reduction, beta)"),
    **functional("kl_div", f"target, {REDUCED}, log_target=False", "kl_div(input, target, reduction, log_target)"),
    **functional("cross_entropy", "target, weight=None, size_average=None, ignore_index=-100, reduce=None, "
                 "reduction='mean', label_smoothing=0.0",
                 "cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)",
                 prepare=class_indices),
    **functional("nll_loss", "target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean'",
                 "nll_loss(input, target, weight, ignore_index, reduction)"),
    **functional("linear_cross_entropy", "linear_weight, target, linear_bias=None, weight=None, ignore_index=None, "
                 "reduction='mean', label_smoothing=0.0, options=None",
                 "linear_cross_entropy(input, linear_weight, target, linear_bias, ignore_index, reduction, "
                 "label_smoothing)", prepare=one_matrix),
    **functional("binary_cross_entropy_with_logits", "target, weight=None, size_average=None, reduce=None, "
                 "reduction='mean', pos_weight=None",
                 "binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)"),
    **functional("scaled_dot_product_attention", "key, value, attn_mask=None, dropout_p=0.0, is_causal=False, "
                 "scale=None, enable_gqa=False",
                 "scaled_dot_product_attention(input, key, value, attn_mask, is_causal, scale, enable_gqa)"),
}
