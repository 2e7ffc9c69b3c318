"""Addresses of branches and members."""

from django.urls import path

from . import branches, evaluations, members, mine, notices

app_name = "party"

urlpatterns = [
    path("", mine.me, name="me"),
    path("moved/", mine.moved, name="moved"),
    path("moved/homes/", mine.moved_homes, name="moved_homes"),
    path("check-in/", mine.ask, name="check_in_ask"),
    path("check-in/<int:check_in_id>/withdraw/", mine.withdraw, name="check_in_withdraw"),
    path("check-in/<int:check_in_id>/accept/", branches.accept, name="check_in_accept"),
    path("check-in/<int:check_in_id>/refuse/", branches.refuse, name="check_in_refuse"),
    path("branches/", branches.branches, name="branches"),
    path("branches/<int:branch_id>/", branches.branch, name="branch"),
    path("branches/<int:branch_id>/take-in/", branches.take_in, name="take_in"),
    path("branches/<int:branch_id>/evaluations/", evaluations.evaluate, name="evaluate"),
    path("branches/<int:branch_id>/report/", evaluations.report, name="report"),
    path("evaluations/", evaluations.evaluation_reports, name="evaluations"),
    path("evaluations/<int:unit_id>/<int:year>/", evaluations.evaluation_report, name="evaluation_report"),
    path("members/<int:member_id>/", members.member, name="member"),
    path("members/<int:member_id>/open/", members.open_personal, name="member_open"),
    path("members/<int:member_id>/transfer/", members.transfer, name="member_transfer"),
    path("members/<int:member_id>/status/", members.status, name="member_status"),
    path("members/<int:member_id>/leave/", members.left, name="member_leave"),
    path("notices/<int:notice_id>/", notices.open_notice, name="notice"),
    path("notices/<int:notice_id>/read/", notices.read, name="notice_read"),
]
