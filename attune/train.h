#pragma once

#include "../train/batches.h"
