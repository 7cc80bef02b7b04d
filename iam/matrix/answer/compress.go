package answer

import "strings"

// compress writes a set of a service's actions with as few patterns as its names
// allow: * for all, Get* where every action of the service that begins with Get is
// in the set. Names are in order.
func compress(set map[string]bool, all []string) (out []string) {
	if len(set) == len(all) {
		return []string{"*"}
	}
	done := ""
	for _, name := range all {
		if !set[name] || done != "" && strings.HasPrefix(name, done) {
			continue
		}
		done = ""
		for end := 1; end <= len(name); end++ {
			if end < len(name) && (name[end] < 'A' || name[end] > 'Z') {
				continue
			}
			if n := covered(set, all, name[:end]); n > 1 {
				done = name[:end]
				break
			}
		}
		if done != "" {
			out = append(out, done+"*")
		} else {
			out = append(out, name)
		}
	}
	return out
}

// covered is how many actions begin with prefix, 0 if one of them is not in the set.
func covered(set map[string]bool, all []string, prefix string) (n int) {
	for _, name := range all {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if !set[name] {
			return 0
		}
		n++
	}
	return n
}
