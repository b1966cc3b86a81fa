#pragma once

#include "../nn/init.h"
#include "../nn/linear.h"
#include "../nn/module.h"
