#pragma once

#include "../optim/adam.h"
#include "../optim/schedule.h"
#include "../optim/sgd.h"
