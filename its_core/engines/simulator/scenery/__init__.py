"""The static world of one camera: ground, road markings and wear, buildings, parked cars, horizon."""
