# Lines as manuals, papers and scripts of MLIP-2 and MLIP-3 have them: files, relaxations, settings.
# In the folder: OUTCAR, pot.mtp, pot.almtp, state.als, train.cfg, in.cfg, mlip.ini, select.ini,
# relax.ini.

# --- what there is
mlp list
mlp help
mlp help convert-cfg
mlp help relax
mlp self-test

# --- a training set from VASP (steps A and D of an active learning)
mlp convert-cfg --input-format=vasp-outcar OUTCAR dft.cfg
mlp convert-cfg OUTCAR dft.cfg --input-format=vasp-outcar --append --last
mlp convert OUTCAR dft3.cfg --input_format=outcar --save_nonconverged
mlp convert --input_format=outcar OUTCAR absolute.cfg --absolute_types --no_forces_stresses
mlp add-from-outcar db.cfg OUTCAR
mlp add-from-outcar-dyn db.cfg OUTCAR OUTCAR
mlp add_from_outcar_last db.cfg OUTCAR
mlp filter-nonconv db.cfg
mlp subsample db.cfg thin.cfg 2
cat dft.cfg dft3.cfg > merged.cfg

# --- distances, which the potential must cover
mlp mindist merged.cfg
MINDIST=$(mlp mindist merged.cfg --no-overwrite | awk -F ': ' 'NR==1{print $2}')
test -n "$MINDIST"
grep -q mindists merged.cfg
mlp mindist merged.cfg --no_types
mlp mindist_filter merged.cfg 1.0 kept.cfg
mlp fix_mindist in.cfg apart.cfg 2.0

# --- other cells and formats
mlp replicate-cell in.cfg big.cfg 2 2 2
mlp make-cell-square in.cfg square.cfg
mlp fix-lattice in.cfg fixed.cfg
mlp convert-cfg in.cfg POSCAR --output-format=vasp-poscar
test -f POSCAR0
test -f POSCAR2
for f in POSCAR?; do mkdir dir_"$f"; cp "$f" dir_"$f"/POSCAR; done
mlp to-poscar in.cfg other
mlp convert in.cfg input.data --output_format=lammps_datafile --last
mlp convert-cfg in.cfg in.bin --output-format=bin
mlp convert-cfg in.bin back.cfg --input-format=bin --fix-lattice
mlp to-bin in.cfg in.bin
mlp from_bin in.bin back.cfg
mlp remap_species back.cfg swapped.cfg 1 0
mlp fix-cfg back.cfg
mlp invert-stress back.cfg

# --- relaxations that stop where they extrapolate (step B), what they found joined (step C)
mlp relax mlip.ini --cfg-filename=in.cfg --save-relaxed=relaxed.cfg --save-unrelaxed=unrelaxed.cfg --force-tolerance=1e-3 --stress-tolerance=1e-2 --max-step=0.03 --min-dist=0.5 --pressure=0 --log=relax.log
cat relaxed.cfg* > all_relaxed.cfg
mlp relax select.ini --cfg-filename=in.cfg --save-relaxed=relaxed2.cfg
cat preselected.cfg* > joined.cfg
mlp relax pot.almtp in.cfg relaxed3.cfg --relaxation_settings=relax.ini --extrapolation_control --threshold_save=2.1 --threshold_break=1e9 --save_extrapolative_to=p3.cfg --save_unrelaxed=u3.cfg
test "$(grep -c BEGIN_CFG relaxed3.cfg)" -eq 3
test "$(grep -c relaxation_OK relaxed3.cfg)" -eq 3
rm -f p3.cfg preselected.cfg

# --- one configuration after the other
mlp run mlip.ini in.cfg --write-cfgs=written.cfg --check-errors=report.txt
mlp run select.ini in.cfg
mlp sample pot.almtp in.cfg sampled.cfg --threshold_save=0.5 --threshold_break=0
mlp recognize pot.mtp train.cfg --train=known.almtp
mlp recognize known.almtp big.cfg
mlp cut_extrapolative_nbh graded.cfg spheres.cfg --cutoff=5
