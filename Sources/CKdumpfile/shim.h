#pragma once

#include <libkdumpfile/kdumpfile.h>
