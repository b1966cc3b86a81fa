#pragma once

#include <fmt/format.h>

#include "../array/format.h"
#include "autograd.h"
#include "hub.h"
#include "io.h"
#include "nn.h"
#include "optim.h"
#include "train.h"
