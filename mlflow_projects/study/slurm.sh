#!/bin/bash
# A study on a cluster: an array of workers, then a job that draws the figures, retrains the best
# trial and registers the model.
#
#   export COSMOGAN_STORAGE=postgresql://me@database/studies
#   export MLFLOW_TRACKING_URI=http://tracking:5000
#   mlflow_projects/study/slurm.sh my_maps/
#
# Run it on a login node, from the root of the repository or with cosmogan_k3 installed. The workers
# share the trials, whatever their number and whenever they start. The trial of a preempted worker
# is repeated by another.
set -euo pipefail

data=$(printf '%q' "${1:?maps to learn from: a file or a folder}")
: "${COSMOGAN_STORAGE:?URL of the database, or journal:////file, that the workers share}"
: "${MLFLOW_TRACKING_URI:?URL of the MLflow server}"
workers=${WORKERS:-8}
tune="cosmogan tune --data $data --study slurm --trials 100 --backend torch"
tune="$tune --quiet"
resources=(--cpus-per-task=4 --gres=gpu:1 --time=08:00:00)

array=$(sbatch --parsable --job-name=cosmogan-tune --array="1-$workers" "${resources[@]}" \
    --requeue --wrap "$tune --finish 0")
sbatch --job-name=cosmogan-finish --dependency="afterany:$array" "${resources[@]}" \
    --wrap "$tune --finish 1 --out study"
