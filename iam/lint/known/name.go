package known

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Nearest is the name of a list that differs from another in few letters.
func Nearest(name string, names []string) (string, bool) {
	if strings.ContainsAny(name, "*?") || len(name) > 80 {
		return "", false
	}
	best, distance := "", len(name)/4+1
	for _, k := range names {
		if d := edits(strings.ToLower(name), strings.ToLower(k), distance); d < distance {
			best, distance = k, d
		}
	}
	return best, best != ""
}

// edits is the number of changes from a to b, or limit if there are as many.
func edits(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}

// Region says whether AWS has the Region.
func Region(name string) bool { return strings.Contains(regions, " "+name+" ") }

const regions = " us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 ca-west-1 mx-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3 " +
	"eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 " +
	"ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-east-1 ap-east-2 " +
	"me-south-1 me-central-1 me-west-1 il-central-1 af-south-1 sa-west-1 cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1 " +
	"us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 us-isof-east-1 us-isof-south-1 eu-isoe-west-1 eusc-de-east-1 aws-global "

// Service says whether a prefix is a service's.
func Service(prefix string) bool {
	_, ok := metadata.ServiceName(prefix)
	return ok
}
