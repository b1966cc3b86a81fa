#pragma once

#include "../nn/attention.h"
#include "../nn/init.h"
#include "../nn/kv_cache.h"
#include "../nn/layers.h"
#include "../nn/linear.h"
#include "../nn/models/generate.h"
#include "../nn/models/gpt.h"
#include "../nn/models/gpt2.h"
#include "../nn/models/losses.h"
#include "../nn/models/sampling.h"
#include "../nn/module.h"
#include "../nn/transformer.h"
