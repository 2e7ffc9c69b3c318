"""The integrator's door: the API's root, its document, figures, exports. The rooms bring the rest."""
