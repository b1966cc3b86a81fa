#pragma once

#include "../optim/adam.h"
#include "../optim/clip.h"
#include "../optim/schedule.h"
#include "../optim/sgd.h"
