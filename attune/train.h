#pragma once

#include "../train/batches.h"
#include "../train/checkpoint.h"
#include "../train/corpus.h"
#include "../train/evaluate.h"
#include "../train/heads.h"
#include "../train/labelled_texts.h"
#include "../train/metrics.h"
#include "../train/progress.h"
#include "../train/report.h"
#include "../train/run.h"
#include "../train/run_log.h"
#include "../train/stop_signal.h"
