#pragma once

#include "../hub/checkpoint.h"
#include "../hub/pretrained.h"
