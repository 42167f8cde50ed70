package worker

import (
	"strings"
	"time"
)

// value reads a date that stands in one piece: 2024-05, 2024-05-17, 17.05.2024, 2024_05_17, 17-May-2024, May-2024,
// 202405, 20240517, 1715904000, perhaps with a time of day behind it, or a day of the week before it. 2024.05 is rather a
// version.
func (d *date) value(s string, sure bool) bool {
	s = withoutWeekday(withoutTime(s))
	i := strings.IndexAny(s, "-_.")
	if i < 0 {
		return d.compact(s, sure)
	}
	second, third, whole := strings.Cut(s[i+1:], s[i:i+1])
	if whole && third == "" || !whole && s[i] == '.' {
		return false
	}
	return d.parts(s[i], s[:i], second, third, sure)
}

// parts reads a date of three parts, or of two when the third is empty, that stand on both sides of a separator. The
// order of day and month differs by country: it is no matter which is which.
func (d *date) parts(separator byte, first, second, third string, sure bool) bool {
	y, m, day := first, second, third
	yearFirst := number(first, 4, 4) >= 0
	switch {
	case first == "" || second == "":
		return false
	case yearFirst:
	case len(third) == 4 && (isMonthName(first) || number(second, 1, 2) > 12):
		y, m, day = third, first, second
	case len(third) == 4:
		y, m, day = third, second, first
	case third == "" && isMonthName(first):
		y, m = second, first
	default:
		return separator != '.' && d.short(first, second, third, sure)
	}
	year, month, n := number(y, 4, 4), monthOf(m), number(day, 1, 2)
	week := weekOf(m)
	if week > 0 && yearFirst {
		month = monthOfWeek(week)
	}
	if year < 0 || month < 0 || day != "" && n < 0 {
		return false
	}
	padded := yearFirst && len(m) == 2 && len(day) == 2 || isMonthName(m) || week > 0 // 15-05-2035 may be the number of a part
	sure = sure || padded && firstYear <= year && year <= lastYear || separator == '-' && yearFirst && day != ""
	d.note(year, month, max(n, 0), sure)
	return true
}

// week reads the segments of /week/47/2026, /week/2026/47 and /2026/week/47.
func (d *date) week(first, second, third string) bool {
	if strings.EqualFold(second, "week") {
		first, second = second, first
	}
	if !strings.EqualFold(first, "week") {
		return false
	}
	if len(third) == 4 {
		second, third = third, second
	}
	year, week := number(second, 4, 4), number(third, 1, 2)
	if year < firstYear || year > lastYear || week < 1 || week > 53 {
		return false
	}
	d.note(year, monthOfWeek(week), 0, true)
	return true
}

// weekOf reads a week as ISO 8601 writes it: W47; 0: it is something else.
func weekOf(s string) int {
	if s == "" || s[0]|0x20 != 'w' {
		return 0
	}
	if n := number(s[1:], 1, 2); n <= 53 {
		return max(n, 0)
	}
	return 0
}

func monthOfWeek(week int) int { return 1 + (week-1)*12/53 }

// short reads a date whose year has two digits: 17/05/24, 5/7/24, 24/05/17. Which of them is the year is not known, so it
// is none of the future. Chapters, tiles and the like have numbers of one digit or three in its place as well.
func (d *date) short(first, second, third string, sure bool) bool {
	a, b, c := number(first, 1, 2), number(second, 1, 2), number(third, 1, 3)
	if a < 0 || b < 0 || c < 0 {
		return false
	}
	isDay := func(n int) bool { return 1 <= n && n <= 31 }
	isMonth := func(n int) bool { return 1 <= n && n <= 12 }
	if len(third) == 2 && (isMonth(b) && (isDay(a) || len(first) == 2 && isDay(c)) || isMonth(a) && isDay(b)) {
		d.note(firstYear, 1, 1, sure)
	} else {
		d.misfit = true
	}
	return true
}

func (d *date) compact(s string, sure bool) bool {
	n := number(s, 6, 8)
	switch {
	case n < 0 || len(s) == 7:
		return d.unix(s, false)
	case len(s) == 6:
		d.note(n/100, n%100, 0, sure)
	default:
		d.note(n/10_000, n/100%100, n%100, sure)
	}
	return true
}

const quarter = 900 // seconds

// unix reads seconds since 1970, or milliseconds. If it is not sure that they are, those of a template all have to be of the
// same second of a quarter of an hour, as those of calendars are, and those of things are not: see traps.isCalendar.
func (d *date) unix(s string, sure bool) bool {
	n := number(s, 9, 13)
	if n < 0 || len(s) == 9 && !sure || len(s) == 11 || len(s) == 12 {
		return false
	}
	t, second := time.Unix(int64(n), 0).UTC(), n%quarter
	if len(s) == 13 {
		t, second = time.UnixMilli(int64(n)).UTC(), n%(quarter*1000)
	}
	if isNow := time.Since(t).Abs() < 24*time.Hour; !sure && !d.dated && !isNow { // calendars link to today, from this second on
		d.second = second + 1
	}
	d.note(t.Year(), int(t.Month()), t.Day(), false)
	return true
}

// withoutWeekday cuts off the day of the week: Monday-January-2-2006.
func withoutWeekday(s string) string {
	if len(s) < 4 || !isWeekday(begin(s)) {
		return s
	}
	i := strings.IndexAny(s[:min(len(s), len("wednesday-"))], "-_.")
	for day := time.Sunday; day <= time.Saturday && i > 0; day++ {
		if isCalled(s[:i], day.String()) {
			return s[i+1:]
		}
	}
	return s
}

// isCalled tells whether that is a name of a month or a day of the week, or its short form.
func isCalled(s, name string) bool {
	return strings.EqualFold(s, name) || strings.EqualFold(s, name[:3])
}

// isWeekday tells by its first letters whether a name could be one of a day of the week.
func isWeekday(begin uint32) bool {
	switch begin {
	case 'm'<<16 | 'o'<<8 | 'n', 't'<<16 | 'u'<<8 | 'e', 'w'<<16 | 'e'<<8 | 'd', 't'<<16 | 'h'<<8 | 'u', 'f'<<16 | 'r'<<8 | 'i',
		's'<<16 | 'a'<<8 | 't', 's'<<16 | 'u'<<8 | 'n':
		return true
	}
	return false
}

// beginsWeekday tells whether a name is a day of the week, and could be followed by a date.
func beginsWeekday(s string) bool {
	rest := withoutWeekday(s)
	return len(rest) < len(s) && (beginsDate(rest) || beginsMonth(rest) && beginsMonthYear(rest))
}

// isClock tells a time of day: 14:30, 9:05:00.
func isClock(s string) bool {
	s = strings.ReplaceAll(s, "%3A", ":")
	n := digits(s)
	return (n == 1 || n == 2) && len(s) >= n+len(":05") && s[n] == ':' && strings.Trim(s[n:], "0123456789:") == ""
}

// withoutTime cuts off the time of day: 2006-01-02T15:04:05Z, 20060102T150405, in queries 2006-01-02%2015:04 as well.
func withoutTime(s string) string {
	i := strings.IndexAny(s, "Tt+%")
	if i < len("20060102") || s[i-1] < '0' || s[i-1] > '9' || i+1 == len(s) {
		return s
	}
	if strings.Trim(s[i+1:], "0123456789:.+-%ABZabz") != "" {
		return s
	}
	return s[:i]
}

// number reads decimal digits, from least to most of them; -1: it is something else.
func number(s string, least, most int) (n int) {
	if len(s) < least || len(s) > most {
		return -1
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// monthOf reads a month of one or two digits, or an English name; -1: it is something else.
func monthOf(s string) int {
	if n := number(s, 1, 2); n >= 0 || len(s) < 3 {
		return n
	}
	for m := time.January; m <= time.December; m++ {
		if isCalled(s, m.String()) {
			return int(m)
		}
	}
	return -1
}

func isMonthName(s string) bool { return len(s) >= 3 && monthOf(s) >= 0 }

// beginsDate tells, at a few bytes a segment, whether one and what follows it could be a date: see date.path. Many names
// begin with digits.
func beginsDate(s string) bool {
	n := digits(s)
	if n == len(s) {
		return n == 4 || n == 6 || n == 8 || n == 10 || n == 13
	}
	rest := s[n+1:]
	if n == 4 && (s[n] == '.' || s[n] == '/') && strings.IndexByte(rest, '/') < 0 { // see date.lastYear
		return true
	}
	switch isSeparator := strings.IndexByte("-_./", s[n]) >= 0; n {
	case 1, 2:
		return isSeparator && endsDate(s, n)
	case 4:
		more := digits(rest)
		return isSeparator && (more == 1 || more == 2 || more == 0 && (beginsMonth(rest) || beginsWeek(rest)))
	case 6, 8, 10, 13:
		return strings.IndexByte("/.?Tt+%", s[n]) >= 0
	}
	return false
}

// endsDate tells whether what follows a number of n digits could be a month and a year, or two small numbers.
func endsDate(s string, n int) bool {
	rest := s[n+1:]
	more := digits(rest)
	if more == 0 {
		return beginsMonth(rest)
	}
	if more > 2 || more == len(rest) || rest[more] != s[n] {
		return false
	}
	last := digits(rest[more+1:])
	return last == 4 || 1 <= last && last <= 3 && s[n] != '.'
}

// beginsMonth tells whether a name could be a month's.
func beginsMonth(s string) bool { return len(s) >= 3 && isMonth(begin(s)) }

// beginsWeek tells whether a name could be a week's, or "week".
func beginsWeek(s string) bool {
	return len(s) >= 2 && s[0]|0x20 == 'w' && (s[1]|0x20 == 'e' || digits(s[1:]) > 0)
}

// isMonth tells by its first letters whether a name could be a month's.
func isMonth(begin uint32) bool {
	switch begin {
	case 'j'<<16 | 'a'<<8 | 'n', 'f'<<16 | 'e'<<8 | 'b', 'm'<<16 | 'a'<<8 | 'r', 'a'<<16 | 'p'<<8 | 'r', 'm'<<16 | 'a'<<8 | 'y',
		'j'<<16 | 'u'<<8 | 'n', 'j'<<16 | 'u'<<8 | 'l', 'a'<<16 | 'u'<<8 | 'g', 's'<<16 | 'e'<<8 | 'p', 'o'<<16 | 'c'<<8 | 't',
		'n'<<16 | 'o'<<8 | 'v', 'd'<<16 | 'e'<<8 | 'c':
		return true
	}
	return false
}

// beginsMonthYear tells whether a name is followed by a number as a month's would be: May-2024.
func beginsMonthYear(s string) bool {
	for i := 3; i < min(len(s)-1, len("september")+1); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return strings.IndexByte("-_./", s[i]) >= 0 && digits(s[i+1:]) > 0
		}
	}
	return false
}

// digits is how many digits a string begins with.
func digits(s string) (n int) {
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
