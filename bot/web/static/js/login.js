/** The login page's one bit of life: say so when the last token was refused. */
if (new URLSearchParams(location.search).has("failed")) {
  const failed = document.getElementById("failed");
  if (failed) failed.hidden = false;
}
