package cloudtrail

// ParseTime reads an eventTime and returns it in seconds since 1970 UTC, a
// fraction cut off. CloudTrail writes 2026-11-22T13:05:00Z; copies of its
// records that went through other tools also have a fraction, a space for the
// T, an offset from UTC, or no zone at all, which then is UTC. Leap seconds and
// impossible dates are refused, and so is what no RFC 3339 time in UTC can say.
func ParseTime(b []byte) (unix int64, ok bool) {
	if len(b) < len("2006-01-02T15:04:05") || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' ||
		b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return 0, false
	}
	year := number(b[0:2])*100 + number(b[2:4])
	month, day := number(b[5:7]), number(b[8:10])
	hour, minute, second := number(b[11:13]), number(b[14:16]), number(b[17:19])
	if number(b[0:2]) < 0 || number(b[2:4]) < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	offset, ok := zone(b[19:])
	clock := (hour*60+minute)*60 + second
	unix = daysSince1970(year, month, day)*86400 + int64(clock) - offset
	return unix, ok && unix >= earliest && unix <= latest
}

// The years 1 to 9999 in UTC, all that RFC 3339 can write: an offset can lead out
// of them.
const (
	earliest = -62135596800 // 0001-01-01T00:00:00Z
	latest   = 253402300799 // 9999-12-31T23:59:59Z
)

// number is the value of two digits, negative if they are none.
func number(b []byte) int {
	if !isDigit(b[0]) || !isDigit(b[1]) {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// zone reads what follows the seconds and returns the offset from UTC in
// seconds.
func zone(b []byte) (offset int64, ok bool) {
	if len(b) > 1 && b[0] == '.' {
		i := 1
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		if i == 1 {
			return 0, false
		}
		b = b[i:]
	}
	if len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' || len(b) != len("+0100") && (len(b) != len("+01:00") || b[3] != ':') {
		return 0, false
	}
	hours, minutes := number(b[1:3]), number(b[len(b)-2:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset = int64(hours*60+minutes) * 60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days in the Gregorian calendar. Years start in March
// here, so that the leap day comes last.
func daysSince1970(year, month, day int) int64 {
	if month < 3 {
		year--
		month += 12
	}
	marchDay := (153*(month-3)+2)/5 + day - 1
	const epoch = 719468 // days from 0000-03-01 to 1970-01-01
	return int64(365*year + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + marchDay - epoch)
}

// floorDiv rounds down also below zero: January of year 0 counts as year -1.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
