"""Pages of service: volunteers, teams, activities, points, stations, and the lists of resources and projects."""
