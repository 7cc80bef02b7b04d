package cost

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Money is an amount in billionths of a US dollar: fine enough for the price of one
// event, and enough for nine billion dollars.
type Money int64

const dollar Money = 1_000_000_000

// decimal is an amount as price lists write it, without a sign.
var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.[0-9]{1,9})?$`)

// ParseMoney reads an amount of dollars below a million with up to nine decimals, such
// as 0.00003.
func ParseMoney(s string) (Money, error) {
	if !decimal.MatchString(s) {
		return 0, fmt.Errorf("amount %q: want dollars below a million with up to nine decimals, such as 0.003", s)
	}
	whole, part, _ := strings.Cut(s, ".")
	// Both are numbers of few digits, as the pattern says.
	n, _ := strconv.ParseInt(whole, 10, 64)
	m, _ := strconv.ParseInt((part + "000000000")[:9], 10, 64)
	return Money(n)*dollar + Money(m), nil
}

// String is the amount in cents, rounded to the nearest: $1,204.50. Less than half a
// cent, if it is not nothing, is <$0.01.
func (m Money) String() string {
	if m < 0 {
		return "-" + (-m).String()
	}
	const cent = dollar / 100
	cents := int64((m + cent/2) / cent)
	if cents == 0 && m > 0 {
		return "<$0.01"
	}
	return fmt.Sprintf("$%s.%02d", text.Grouped(cents/100), cents%100)
}

// MarshalText is the exact amount of dollars with at least two decimals: 0.00003.
func (m Money) MarshalText() ([]byte, error) {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	part := strings.TrimRight(fmt.Sprintf("%09d", m%dollar), "0")
	for len(part) < 2 {
		part += "0"
	}
	return fmt.Appendf(nil, "%s%d.%s", sign, m/dollar, part), nil
}

// ErrTooMuch is of an amount that Money cannot hold.
var ErrTooMuch = errors.New("more than nine billion dollars")

// share is price x n / per, rounded down.
func share(price Money, n, per int64) (Money, error) {
	v := big.NewInt(int64(price))
	v.Mul(v, big.NewInt(n))
	v.Quo(v, big.NewInt(per))
	if !v.IsInt64() {
		return 0, ErrTooMuch
	}
	return Money(v.Int64()), nil
}

// plus adds, for amounts that are not negative.
func (m Money) plus(other Money) (Money, error) {
	if sum := m + other; sum >= m {
		return sum, nil
	}
	return 0, ErrTooMuch
}
