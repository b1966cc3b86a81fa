#pragma once

#include "../io/bpe_trainer.h"
#include "../io/char_tokenizer.h"
#include "../io/checksum.h"
#include "../io/csv.h"
#include "../io/encoding.h"
#include "../io/file.h"
#include "../io/npy.h"
#include "../io/safetensors.h"
#include "../io/stop_text.h"
#include "../io/tokenizer.h"
