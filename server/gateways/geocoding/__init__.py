"""Geocoders: one adapter a vendor behind `geo.geocoding.Geocoder`."""
