#!/bin/bash
# The campaign itself: it submits jobs, hands out tasks, keeps the labels. One core for as long as the queue gives it.
# Submit it several times: one runs at a time (singleton), and each goes on where the one before was ended.
#SBATCH --job-name=aluminium-head
#SBATCH --dependency=singleton
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=8G
#SBATCH --time=48:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --open-mode=append
#SBATCH --output=head.log

# The interpreter of the jobs is that of the campaign: an environment in a folder that all nodes see.
source "$HOME/maxvolt/bin/activate"
exec maxvolt run aluminium.toml
