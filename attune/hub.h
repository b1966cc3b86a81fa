#pragma once

#include "../hub/checkpoint.h"
#include "../hub/lora.h"
#include "../hub/pretrained.h"
#include "../hub/sentence_transformer.h"
