"""The way of one audio through all services, told by the rows that it left: true a year later, too."""
