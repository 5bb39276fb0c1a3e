"""From a layout to weights, and to the circuit that they implement."""
