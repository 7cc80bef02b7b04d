package oracle

import (
	"net/netip"
	"slices"
	"strings"
)

// Rewrites of differences about conditions.

// forAnyValueIfExists: of two rules that contradict each other about an absent key,
// an Allow follows one and a Deny the other.
func forAnyValueIfExists(c object) bool {
	return eachTest(c, func(p place, operator, key string, _ []string) verdict {
		switch {
		case !strings.HasPrefix(operator, "ForAnyValue:") || !strings.HasSuffix(operator, "IfExists") || contextValues(c, key) != nil:
			return keep
		case p.denies():
			return holds
		}
		return fails
	})
}

// setOperatorNull: ForAllValues:Null is always true, ForAnyValue:Null never.
func setOperatorNull(c object) bool {
	return eachTest(c, func(_ place, operator, _ string, _ []string) verdict {
		switch operator {
		case "ForAllValues:Null":
			return holds
		case "ForAnyValue:Null":
			return fails
		}
		return keep
	})
}

func eachTest(c object, about func(p place, operator, key string, values []string) verdict) bool {
	changed := false
	for _, p := range statements(c) {
		changed = p.judge(func(operator, key string, values []string) verdict { return about(p, operator, key, values) }) || changed
	}
	return changed
}

// dateEpoch: a number is a date in seconds since 1970.
func dateEpoch(c object) bool {
	changed := false
	for _, p := range statements(c) {
		isDate := func(operator string) bool { return strings.Contains(operator, "Date") }
		changed = p.replace(false, isDate, func(s string) string { return strings.ReplaceAll(s, epoch, "2026-01-01T00:00:00Z") }) || changed
	}
	return changed
}

// addressFamilies: no address lies in a range of the other family.
func addressFamilies(c object) bool {
	changed := false
	for _, p := range statements(c) {
		condition, _ := p.statement["Condition"].(object)
		for operator, block := range condition {
			keys, _ := block.(object)
			for key, values := range keys {
				addresses := contextValues(c, key)
				if !strings.Contains(operator, "IpAddress") || len(addresses) != 1 {
					continue
				}
				var same []any
				for _, v := range texts(values) {
					if strings.Contains(v, ":") == strings.Contains(addresses[0], ":") {
						same = append(same, v)
					}
				}
				if len(same) < len(texts(values)) {
					// 192.0.2.255 and 2001:db8:ffff:: are in no case.
					keys[key], changed = append(same, map[bool]string{true: "2001:db8:ffff::/48", false: "192.0.2.255/32"}[strings.Contains(addresses[0], ":")]), true
				}
			}
		}
	}
	return changed
}

// addressEverything: a range of no bits holds all addresses of its family, as its two
// halves do.
func addressEverything(c object) bool {
	halves := map[string][]any{"0.0.0.0/0": {"0.0.0.0/1", "128.0.0.0/1"}, "::/0": {"::/1", "8000::/1"}}
	changed := false
	for _, p := range statements(c) {
		condition, _ := p.statement["Condition"].(object)
		for _, block := range condition {
			keys, _ := block.(object)
			for key, values := range keys {
				var out []any
				split := false
				for _, v := range texts(values) {
					if half := halves[v]; half != nil {
						out, split = append(out, half...), true
					} else {
						out = append(out, v)
					}
				}
				if split {
					keys[key], changed = out, true
				}
			}
		}
	}
	return changed
}

// addressForm: an address alone is a range of one, however its zeros are written.
func addressForm(c object) bool {
	changed := false
	for _, p := range statements(c) {
		isAddress := func(operator string) bool { return strings.Contains(operator, "IpAddress") }
		changed = p.replace(false, isAddress, func(s string) string {
			if a, err := netip.ParseAddr(s); err == nil {
				return netip.PrefixFrom(a, a.BitLen()).String()
			}
			return s
		}) || changed
	}
	return changed
}

// severalValues: an operator for one value that meets several never holds in an
// Allow; in a Deny it holds if it does for any or for all of them.
func severalValues(c object) bool {
	changed := false
	for _, p := range statements(c) {
		for _, key := range p.plainOn(c, func(values []string) bool { return len(values) > 1 }) {
			changed = true
			if !p.denies() {
				p.silence()
				break
			}
			all := copied(p.statement)
			p.policy["Statement"] = append(asList(p.policy["Statement"]), all)
			qualify(p.statement, key, "ForAnyValue:")
			qualify(all, key, "ForAllValues:")
		}
	}
	return changed
}

// oneValue: of a list of one value, an operator asks what it would of any and of all
// of them.
func oneValue(c object) bool {
	changed := false
	for _, p := range statements(c) {
		for _, test := range p.plainOn(c, func(values []string) bool { return len(values) == 1 }) {
			for _, set := range []string{"ForAnyValue:", "ForAllValues:"} {
				block, _ := p.statement["Condition"].(object)[set+test[0]].(object)
				if block[test[1]] == nil { // not a test of its own
					qualify(p.statement, test, set)
					changed = true
					break
				}
			}
		}
	}
	return changed
}

// numberForm: a text with an exponent is no number. It is like no value of the
// request; a negated operator then holds in a Deny alone.
func numberForm(c object) bool {
	changed := false
	for _, p := range statements(c) {
		changed = p.judge(func(operator, key string, values []string) verdict {
			numbers := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == exponent })
			negated := strings.Contains(operator, "Not")
			switch {
			case len(numbers) == len(values) || !strings.Contains(operator, "Numeric") || contextValues(c, key) == nil:
				return keep
			case negated && !p.denies():
				return fails
			case len(numbers) > 0:
				p.statement["Condition"].(object)[operator].(object)[key] = numbers
				changed = true
				return keep
			case negated:
				return holds
			}
			return fails
		}) || changed
		// Of an absent key no value is looked at.
		changed = p.replace(false, func(operator string) bool { return strings.Contains(operator, "Numeric") }, func(s string) string {
			return strings.ReplaceAll(s, exponent, "100")
		}) || changed
	}
	return changed
}

// plainOn are the tests of a statement, as operator and key, that have no set operator
// and meet a list of values of which holds is true.
func (p place) plainOn(c object, holds func(values []string) bool) (out [][2]string) {
	context, _ := c["request"].(object)["context"].(object)
	condition, _ := p.statement["Condition"].(object)
	for operator, block := range condition {
		keys, _ := block.(object)
		for key := range keys {
			for name, values := range context {
				if list, ok := values.([]any); ok && strings.EqualFold(name, key) && !strings.Contains(operator, ":") && operator != "Null" && holds(texts(list)) {
					out = append(out, [2]string{operator, key})
				}
			}
		}
	}
	return out
}

// qualify puts a set operator before the operator of a test.
func qualify(statement object, test [2]string, set string) {
	condition := statement["Condition"].(object)
	keys := condition[test[0]].(object)
	block, _ := condition[set+test[0]].(object)
	if block == nil {
		block = object{}
		condition[set+test[0]] = block
	}
	block[test[1]] = keys[test[1]]
	if delete(keys, test[1]); len(keys) == 0 {
		delete(condition, test[0])
	}
}

// defaultBlank: a default may follow its comma without a blank.
func defaultBlank(c object) bool {
	changed := false
	for _, p := range statements(c) {
		if p.policy["Version"] == "2012-10-17" {
			changed = p.replace(true, func(string) bool { return true }, func(s string) string { return strings.ReplaceAll(s, ",'", ", '") }) || changed
		}
	}
	return changed
}

// encryptionContext: the keys of a KMS encryption context are keys like any other.
func encryptionContext(c object) bool {
	const key, other = "kms:EncryptionContext:app", "aws:PrincipalTag/EncryptionContext"
	changed := rename(c["request"].(object)["context"], key, other)
	for _, p := range statements(c) {
		condition, _ := p.statement["Condition"].(object)
		for _, block := range condition {
			changed = rename(block, key, other) || changed
		}
	}
	return changed
}

// rename gives a member of an object another key.
func rename(in any, key, other string) bool {
	o, _ := in.(object)
	for k, v := range o {
		if strings.EqualFold(k, key) {
			delete(o, k)
			o[other] = v
			return true
		}
	}
	return false
}
