#!/bin/sh
# One of two halves of the end-to-end tests, for machines that can run both at once.
exec "$(dirname "$0")/run.sh" --part 1/2
