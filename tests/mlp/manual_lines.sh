# Lines as manuals, papers and scripts of MLIP-2 and MLIP-3 have them: training, grades, selection,
# and an active learning from step A to step F. Run by bash -e.
# In the folder: train.cfg, in.cfg (structures for step B), dft.mtp (stands for the reference
# calculations), in.lammps. STEP_B is lammps or relax.

# --- MLIP-2: a potential from a training set
mlp list
mlp help train
mlp untrained 6 -o 06.mtp --species-count=2
mkdir -p untrained_mtps && cp 06.mtp untrained_mtps/
cp untrained_mtps/06.mtp init.mtp
mlp train init.mtp train.cfg --max-iter=20
test -f Trained.mtp_
mlp train init.mtp train.cfg --trained-pot-name=pot.mtp --max-iter=20 --energy-weight=1 --force-weight=0.01 --stress-weight=0.001 --valid-cfgs=in.cfg --weighting=vibrations --init-params=random --skip-preinit --bfgs-conv-tol=1e-4 --scale-by-force=0 --curr-pot-name=current.mtp
mlp train pot.mtp train.cfg --trained-pot-name=pot.mtp --max-iter=5
mlp calc-errors pot.mtp train.cfg > errors.txt
grep -A3 "Energy per atom" errors.txt | grep "Average absolute difference"
RMS=$(grep -A4 "Forces:" errors.txt | awk '/RMS/ {print $5}')
test -n "$RMS"
mlp calc-efs pot.mtp in.cfg out_efs.cfg
test "$(grep -c BEGIN_CFG out_efs.cfg)" -eq "$(grep -c BEGIN_CFG in.cfg)"
mlp calc-grade pot.mtp train.cfg in.cfg out_grade.cfg
grep MV_grade out_grade.cfg | awk '{print $3}' | sort -g | tail -1
mlp calc-grade pot.mtp train.cfg train.cfg temp1.cfg --als-filename=A-state.als --init-threshold=1e-5 --select-threshold=1.1 --swap-threshold=1.0000001
mlp calc-grade pot.mtp train.cfg in.cfg nbh.cfg --nbh-weight=1 --energy-weight=0 --als-filename=nbh.als
grep -q nbh_grades nbh.cfg

# --- MLIP-2: active learning
for iteration in 1 2; do
    # A: the active set of the training set
    mlp calc-grade pot.mtp train.cfg train.cfg out.cfg --als-filename=state.als
    rm -f out.cfg preselected.cfg
    # B: dynamics or relaxations, which keep what extrapolates
    if [ "$STEP_B" = lammps ]; then
        lmp -in in.lammps > lammps.log || grep -q "MV-grade\|extrapolation grade" lammps.log
    else
        mlp relax select.ini --cfg-filename=in.cfg --save-relaxed=relaxed.cfg --save-unrelaxed=unrelaxed.cfg --iteration_limit=30
    fi
    cat preselected.cfg* > all_preselected.cfg
    test -s all_preselected.cfg
    # C: what is needed of it
    mlp select-add pot.mtp train.cfg all_preselected.cfg add_to_train.cfg --als-filename=state.als --selected-filename=selected.cfg --selection-limit=6
    test -s add_to_train.cfg
    # D: reference calculations
    mlp calc-efs dft.mtp add_to_train.cfg calculated.cfg
    # E: they join the training set
    cat calculated.cfg >> train.cfg
    rm -f preselected.cfg* selected.cfg add_to_train.cfg all_preselected.cfg
    # F: the potential is trained again
    mlp train pot.mtp train.cfg --trained-pot-name=pot.mtp --max-iter=20
    mlp calc-errors pot.mtp train.cfg
done

# --- MLIP-3: the same with underscores and an active set in the potential
export MLIP_VERSION=3
mlp untrained 6 -o 06.almtp
cp 06.almtp pot.almtp
mlp train pot.almtp train.cfg --save_to=pot.almtp --iteration_limit=20 --al_mode=nbh
mlp train pot.almtp train.cfg --iteration_limit=5 --tolerance=1e-4 --energy_weight=1 --force_weight=0.01 --stress_weight=0.001 --weight_scaling=1 --weight_scaling_forces=0 --scale_by_force=0 --init_random=false --no_mindist_update=true --log=none
mlp check_errors pot.almtp train.cfg --report_to=errors3.txt
grep -q "Errors report" errors3.txt
mlp calculate_efs pot.almtp in.cfg --output_filename=calculated3.cfg
cp in.cfg overwritten.cfg
mlp calculate_efs pot.almtp overwritten.cfg
cmp overwritten.cfg calculated3.cfg
mlp calculate_grade pot.almtp in.cfg graded3.cfg
grep -q nbh_grades graded3.cfg
mlp cut_extrapolative_nbh graded3.cfg spheres.cfg --cutoff=5 || true
mlp train 06.almtp train.cfg --save_to=cfg.almtp --iteration_limit=10 --al_mode=cfg
mlp relax cfg.almtp in.cfg relaxed3.cfg --extrapolation_control=true --threshold_save=1.01 --threshold_break=1e10 --save_extrapolative_to=preselected3.cfg --save_unrelaxed=unrelaxed3.cfg --iteration_limit=20
touch preselected3.cfg
cat preselected3.cfg in.cfg > candidates3.cfg
mlp select_add cfg.almtp train.cfg candidates3.cfg selected3.cfg
mlp select_add cfg.almtp train.cfg candidates3.cfg selected4.cfg --swap_limit=2
mlp calculate_efs dft.mtp selected3.cfg
cat selected3.cfg >> train.cfg
mlp train cfg.almtp train.cfg --iteration_limit=10
mlp mindist train.cfg
mlp add_species cfg.almtp 2 --save_to=three.almtp
mlp select pot.almtp train.cfg sparse.cfg
mlp help
