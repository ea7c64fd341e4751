"""What an iteration of a campaign is made of: sampling, selection, labelling, fitting."""
