"""Local doubles of vendors: they speak the documented protocol to the vendor's own client, and send nothing anywhere."""
