internal import TimeTravel
