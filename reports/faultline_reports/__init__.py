"""faultline's reports: everything that is made from result documents after the run."""
