"""Pages of service: volunteers, teams, activities, points, stations, lists of resources and projects."""
