#include "tensor.h"

#include "../array/fail.h"
#include "../array/scope.h"
#include "../kernels/copy.h"
#include "conversion.h"
#include "engine.h"
#include "node.h"

namespace attune {

Tensor::Impl::Impl(Array value, Intrusive<Node> place)
    : array(std::move(value)), node(std::move(place)) {}
Tensor::Impl::~Impl() = default;

Tensor::Tensor() = default;
Tensor::Tensor(Array array) : Tensor(std::move(array), nullptr) {}
Tensor::Tensor(Array array, Intrusive<Node> node) {
  if (!array.defined()) return;
  impl_ = Intrusive<Impl>(new Impl(std::move(array), std::move(node)));
  publish();
}
Tensor::Tensor(const Tensor&) = default;
Tensor::Tensor(Tensor&&) noexcept = default;
Tensor& Tensor::operator=(Tensor other) & noexcept {
  impl_ = std::move(other.impl_);
  return *this;
}
Tensor::~Tensor() = default;

const Array& Tensor::array() const {
  if (!impl_) fail<ValueError>("tensor", "an undefined Tensor was used; assign one first");
  return impl_->array;
}

// A leaf that was frozen keeps its node, without keeps_grad: unfrozen, it has its gradient, hooks
// and place on older tapes again, as in PyTorch. Until then it is as if it had none.
Node* Tensor::node() const {
  Node* node = impl_ ? impl_->node.get() : nullptr;
  return node && !node->keeps_grad && node->is_leaf() ? nullptr : node;
}

void Tensor::publish() const { impl_->array.storage_->publish(); }

void Tensor::unpublish() const { impl_->array.storage_->unpublish(); }

bool Tensor::sole_owner() const {
  return impl_ && impl_->unique() && impl_->array.owns_storage_alone();
}

bool Tensor::requires_grad() const { return node() != nullptr; }

bool Tensor::is_leaf() const { return !node() || node()->is_leaf(); }

const Tensor& Tensor::requires_grad_(bool wanted) const {
  array();
  if (!is_leaf())
    fail<GradError>("requires_grad_",
                    "this tensor is the result of {}; only leaves can be changed, "
                    "use detach() for a new leaf",
                    node()->name);
  if (wanted == requires_grad()) return *this;
  if (wanted && !is_floating(dtype()))
    fail<DTypeError>("requires_grad_", "gradients need a floating dtype, got {}", name_of(dtype()));
  if (!impl_->node) impl_->node = Intrusive<Node>(new Leaf(array()));
  impl_->node->keeps_grad = wanted;
  return *this;
}

Tensor Tensor::grad() const { return node() ? node()->grad : Tensor(); }

void Tensor::set_grad(Tensor grad) const {
  array();
  if (!grad.defined()) {
    if (impl_->node) impl_->node->grad = {};
    return;
  }
  if (!node()) fail<GradError>("set_grad", "this tensor does not require a gradient");
  if (grad.shape() != shape())
    fail<ShapeError>("set_grad", "gradient {} for a tensor {}", to_string(grad.shape()),
                     to_string(shape()));
  if (grad.dtype() != dtype())
    fail<DTypeError>("set_grad", "a {} gradient for a {} tensor", name_of(grad.dtype()),
                     name_of(dtype()));
  node()->grad = std::move(grad);
}

void Tensor::retain_grad() const {
  if (!node()) fail<GradError>("retain_grad", "this tensor does not require a gradient");
  node()->keeps_grad = true;
}

HookHandle Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  if (!node()) fail<GradError>("register_hook", "this tensor does not require a gradient");
  if (!hook) fail<ValueError>("register_hook", "the hook is empty");
  auto& hooks = node()->hooks;
  std::erase_if(hooks, [](const auto& known) { return !known->function; });
  auto function = std::make_shared<const GradHook::Function>(std::move(hook));
  hooks.push_back(std::make_shared<GradHook>(GradHook{std::move(function)}));
  return HookHandle(hooks.back());
}

void HookHandle::remove() const {
  if (hook_) hook_->function.reset();
}

Tensor Tensor::detach() const { return Tensor(array()); }

const Tensor& Tensor::assign_(Array data) const {
  if (!is_leaf()) fail<GradError>("assign_", "only leaves are given other data");
  if (!data.defined()) fail<ValueError>("assign_", "the data is an undefined array");
  if (data.shape() != shape())
    fail<ShapeError>("assign_", "data {} for a tensor {}", to_string(data.shape()),
                     to_string(shape()));
  if (requires_grad() && !is_floating(data.dtype()))
    fail<DTypeError>("assign_", "{} data for a tensor that requires a gradient",
                     name_of(data.dtype()));
  // A formula that holds this tensor would read the new values: they count as a write.
  data.mark_written();
  if (data.dtype() != dtype()) detail::latest_conversion = next_stamp();
  impl_->array = std::move(data);
  if (impl_->node) replace_leaf();
  return *this;
}

// Tapes that lead to the old leaf end there.
void Tensor::replace_leaf() const {
  Node& old = *impl_->node;
  old.freed = true;
  Intrusive<Node> leaf;
  if (is_floating(dtype())) {
    leaf = Intrusive<Node>(new Leaf(array()));
    leaf->keeps_grad = old.keeps_grad;
    leaf->hooks = std::move(old.hooks);
  }
  impl_->node = std::move(leaf);
}

const Tensor& Tensor::convert_(DType wanted) const {
  if (!is_leaf()) fail<GradError>("convert_", "only leaves are converted in place; use to()");
  if (!is_floating(wanted))
    fail<DTypeError>("convert_", "takes a floating dtype, got {}", name_of(wanted));
  if (wanted == dtype()) return *this;
  return assign_(kernels::convert(array(), wanted));
}

namespace {

void check_single(const Tensor& x) {
  if (x.numel() != 1)
    fail<ShapeError>("item", "shape {} holds {} elements; item() takes one", to_string(x.shape()),
                     x.numel());
}

}  // namespace

int64_t Tensor::item_as_integer(int64_t least, int64_t most) const {
  const auto refuse = [&](auto value) {
    fail<ValueError>("item", "{} is no integer of {} to {}, which was asked for", value, least,
                     most);
  };
  int64_t whole = 0;
  if (dtype() == int64) {
    check_single(*this);
    whole = *array().data<int64_t>();
  } else {
    const double value = item_as_double();
    if (!(std::abs(value) < 0x1p63)) refuse(value);
    whole = static_cast<int64_t>(value);
  }
  if (whole < least || whole > most) refuse(whole);
  return whole;
}

double Tensor::item_as_double() const {
  check_single(*this);
  return visit_dtype(dtype(), [&](auto tag) -> double {
    using T = typename decltype(tag)::type;
    const T value = *array().data<T>();
    if constexpr (std::is_same_v<T, BFloat16>) {
      return static_cast<float>(value);
    } else {
      return static_cast<double>(value);
    }
  });
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const OperationScope scope("to_vector");
  const Array dense = kernels::contiguous(array());
  const T* first = dense.data<T>();
  return std::vector<T>(first, first + numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "tensor(undefined)";
  constexpr std::string_view prefix = "tensor(";
  constexpr size_t line_width = 80;
  const bool empty = tensor.numel() == 0;
  const DType dtype = tensor.dtype();
  std::vector<std::string> suffixes;
  if (empty && tensor.dim() != 1)
    suffixes.push_back(fmt::format("size=({})", fmt::join(tensor.shape(), ", ")));
  // Integers and truth values show what they are, if there are any.
  if (dtype != float32 && (empty || is_floating(dtype)))
    suffixes.push_back(fmt::format("dtype={}", name_of(dtype)));
  if (tensor.requires_grad())
    suffixes.push_back(tensor.is_leaf() ? "requires_grad=True"
                                        : fmt::format("grad_fn=<{}>", tensor.node()->name));

  std::string text(prefix);
  text += to_string(tensor.array(), prefix.size());
  const size_t break_at = text.rfind('\n');
  size_t column = break_at == std::string::npos ? text.size() + 2 : text.size() - break_at + 1;
  for (const std::string& suffix : suffixes) {
    const bool fits = column + suffix.size() + 2 <= line_width;
    column = fits ? column + suffix.size() + 2 : prefix.size() + suffix.size();
    text += (fits ? ", " : ",\n" + std::string(prefix.size(), ' ')) + suffix;
  }
  return text + ")";
}

}  // namespace attune
