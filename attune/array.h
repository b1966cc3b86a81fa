#pragma once

#include "../array/array.h"
#include "../array/error.h"
#include "../array/pool.h"
#include "../array/random.h"
#include "../array/scope.h"
#include "../array/state_dict.h"
#include "../array/trace.h"
