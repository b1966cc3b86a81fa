#pragma once

#include "../train/batches.h"
#include "../train/metrics.h"
#include "../train/progress.h"
#include "../train/report.h"
#include "../train/run_log.h"
