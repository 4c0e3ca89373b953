"""Route providers: one adapter a vendor behind `geo.routing.RouteProvider`."""
