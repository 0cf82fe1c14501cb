// The loop by way of HTTP, as an SDK asks.
exports.main = async ({ doc }) => {
  const answer = await fetch('http://mpcloud.internal/admin', { method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'database.addDocument', collectionName: 'echoes', data: [{ n: doc.n + 1 }],
      sessionToken: process.env.TENCENTCLOUD_SESSIONTOKEN }) });
  if (!answer.ok) throw new Error(await answer.text());
};
