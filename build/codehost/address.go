package codehost

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// RepositoryOf reads a git remote's address ("git@github.com:o/n.git", "https://github.com/o/n", "ssh://git@host/o/n.git")
// into the code host's web host ("github.com") and "<owner>/<name>". Credentials in it are left behind. ok is false for
// what is no repository of a code host, such as a folder.
func RepositoryOf(remoteURL string) (host, repository string, ok bool) {
	var path string
	if strings.Contains(remoteURL, "://") {
		u, err := url.Parse(remoteURL)
		if err != nil {
			return "", "", false
		}
		host, path = u.Host, u.Path
		switch u.Scheme {
		case "https", "http":
		case "ssh", "git+ssh", "ssh+git", "git":
			host = u.Hostname() // the port is not the web's
		default:
			return "", "", false
		}
	} else { // as scp has it; a folder's name may have a colon after its first slash, a drive one after its letter
		host, path, ok = strings.Cut(remoteURL, ":")
		if !ok || len(host) < 2 || strings.Contains(host, "/") {
			return "", "", false
		}
		host = host[strings.LastIndex(host, "@")+1:]
	}
	repository = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if host == "" || !isRepository(repository) {
		return "", "", false
	}
	return webHost(strings.ToLower(host)), repository, true
}

// webHost is the host of the pages: GitHub's SSH also has a host for where only port 443 is open.
func webHost(host string) string {
	if host == "ssh.github.com" || host == "www.github.com" {
		return "github.com"
	}
	return host
}

// APIOf is where the REST API of a web host is: GitHub's own, GitHub Enterprise Cloud's with data residency
// (<name>.ghe.com), else GitHub Enterprise Server's.
func APIOf(host string) string {
	if host == "github.com" || strings.HasSuffix(host, ".ghe.com") {
		return "https://api." + host
	}
	return "https://" + host + "/api/v3"
}

// longestURL is in bytes: GitHub answers longer ones with 414.
const longestURL = 8000

// CompareURL is the page where a person can open a pull request of head into base, with title and body filled in; they
// are cut where the address would become longer than 7,999 bytes
// (https://docs.github.com/pull-requests/collaborating-with-pull-requests/proposing-changes-to-your-work-with-pull-requests/using-query-parameters-to-create-a-pull-request).
func CompareURL(host, repository, base, head, title, body string) string {
	page := "https://" + host + "/" + repository + "/compare/" + branchPath(base) + "..." + branchPath(head) + "?quick_pull=1"
	room := longestURL - 1 - len(page) - len("&title=&body=")
	if runes := []rune(title); len(runes) > MaxTitle {
		title = string(runes[:MaxTitle-1]) + "…"
	}
	title = cut(title, room)
	body = cut(body, room-len(title))
	if title != "" {
		page += "&title=" + title
	}
	if body != "" {
		page += "&body=" + body
	}
	return page
}

// branchPath escapes a branch's name but for its slashes.
func branchPath(branch string) string {
	return strings.ReplaceAll(url.PathEscape(branch), "%2F", "/")
}

// cut escapes a text for a query, as much of it as fits into so many bytes.
func cut(text string, room int) string {
	const more = "%E2%80%A6" // …
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if whole := queryEscape(text); len(whole) <= room {
		return whole
	}
	var fits strings.Builder
	for _, r := range text {
		escaped := queryEscape(string(r))
		if fits.Len()+len(escaped)+len(more) > room {
			break
		}
		fits.WriteString(escaped)
	}
	if fits.Len() == 0 {
		return ""
	}
	return fits.String() + more
}

func queryEscape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
