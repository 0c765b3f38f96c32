"""How large a fetus is at which age."""
