"""How the supervisor prepares each kind of job."""
