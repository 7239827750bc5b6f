"""How objects look in a notebook: plain HTML, without widgets. Everything in it comes from outside, and is escaped."""
