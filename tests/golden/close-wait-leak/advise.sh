#!/bin/sh
# proposed by tcpvet VERSION
# 2027-01-15T08:00:00.000Z on lab, Linux 6.18.0
# for network namespace net:[4026532317]
# no setting is to be changed
