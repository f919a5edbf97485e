"""What hard braking and collisions leave on the ground and in the air: tyre marks, debris, fluids, steam."""
