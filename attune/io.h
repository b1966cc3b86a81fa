#pragma once

#include "../io/char_tokenizer.h"
#include "../io/file.h"
#include "../io/npy.h"
#include "../io/safetensors.h"
