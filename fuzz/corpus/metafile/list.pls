[playlist]
NumberOfEntries=1
File1=mms://host/x
Title1=T
Length1=-1
Version=2
